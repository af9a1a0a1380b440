-- +goose Up
-- A scan is first a job and then its report. Reports that were uploaded are done from the start.
alter table scans rename to old_scans;
drop index scans_site;
create table scans (
  num         {{.Serial}},
  id          {{.Blob}} not null unique, -- UUIDv7; of those from before this table a random one
  site        bigint not null references sites(num),
  origin      text not null,     -- store.ScanOrigin
  asked_by    text not null,     -- as in deeds
  asked_at    bigint not null,
  pages       bigint not null,   -- at most so many in each state
  depth       bigint not null,   -- at most so many links away from the start page; 0: any
  state       text not null,     -- store.ScanState
  tries       smallint not null, -- how many times it was begun
  runner      text not null,     -- the server that works at it
  lease       bigint not null,   -- until when it is that server's
  started_at  bigint not null,   -- 0: not yet
  finished_at bigint not null,   -- 0: not yet
  progress    text not null,     -- JSON
  error       text not null,     -- JSON; empty where nothing went wrong
  summary     text not null,     -- JSON: what lists tell of it
  kept        smallint not null, -- 1: an inspection pack names it
  report      {{.Blob}}          -- JSON, gzip
);
-- What is asked for twice happens once, however many servers ask.
create unique index scans_queued on scans (site) where state = 'queued';
create unique index scans_running on scans (site) where state = 'running';
create index scans_site on scans (site, finished_at);
insert into scans (id, site, origin, asked_by, asked_at, pages, depth, state, tries, runner, lease, started_at, finished_at, progress, error, summary, kept, report)
  select {{if .Clustered}}randomblob(16){{else}}decode(replace(gen_random_uuid()::text, '-', ''), 'hex'){{end}},
    site, 'upload', '', at, 0, 0, 'done', 1, '', 0, at, at, '', '', '', 0, {{if .Clustered}}cast(report as blob){{else}}convert_to(report, 'UTF8'){{end}}
  from old_scans order by num;
drop table old_scans;

-- That a domain belongs to the site: how it was last proven, and how the last look ended (H4).
create table domains (
  site       bigint not null references sites(num),
  domain     text not null,
  method     text not null,   -- store.Proof; empty: it never was
  proven_at  bigint not null, -- 0: it never was
  checked_at bigint not null,
  problem    text not null,   -- JSON; empty where it is proven
  primary key (site, domain)
);

-- When scans first and last saw what a site stores.
create table sightings (
  site     bigint not null references sites(num),
  kind     text not null,
  name     text not null,
  host     text not null, -- without a leading dot
  first_at bigint not null,
  last_at  bigint not null,
  primary key (site, kind, name, host)
);

-- Findings that somebody has decided to live with.
create table accepted (
  site    bigint not null references sites(num),
  key     text not null, -- the finding's
  finding text not null, -- JSON, as it was accepted
  reason  text not null,
  person  text not null,
  at      bigint not null,
  primary key (site, key)
);

-- What somebody should look at (H10). One of a kind and subject is open at a time.
create table alarms (
  num      {{.Serial}},
  site     bigint not null references sites(num),
  kind     text not null,   -- store.AlarmKind
  subject  text not null,
  about    text not null,   -- JSON
  at       bigint not null,
  ended_at bigint not null, -- 0: it is open
  ended_by text not null    -- as in deeds: who has seen it, or job: it is solved
);
create unique index alarms_open on alarms (site, kind, subject) where ended_at = 0;
