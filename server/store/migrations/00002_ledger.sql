-- +goose Up
-- A log of a site's acts, one of what its people did, and one of the installation itself (site 0). server/ledger says
-- what they are made of.
create table logs (
  site bigint not null, -- sites.num, or 0
  kind smallint not null, -- 0: acts, 1: what people did
  size bigint not null,
  at   bigint not null, -- of the newest entry; times in a log never go back
  primary key (site, kind)
);
insert into logs (site, kind, size, at) select num, 0, 0, 0 from sites;
insert into logs (site, kind, size, at) select num, 1, 0, 0 from sites;
insert into logs (site, kind, size, at) values (0, 1, 0, 0);

create table tiles (
  site   bigint not null,
  kind   smallint not null,
  level  smallint not null,
  idx    bigint not null,
  at     bigint not null, -- of the first entry under it
  hashes {{.Blob}} not null,
  primary key (site, kind, level, idx)
);
create index tiles_at on tiles (site, kind, level, at, idx);

-- The newest checkpoint of each day; that of today is replaced as the log grows.
create table checkpoints (
  site   bigint not null,
  kind   smallint not null,
  day    bigint not null,
  size   bigint not null,
  signed text not null,
  primary key (site, kind, day)
);

-- Entries among the acts that say which of them are gone or withheld. They name nobody.
create table removals (
  site bigint not null,
  seq  bigint not null,
  body text not null, -- ledger.Removal, the canonical bytes
  primary key (site, seq)
);

-- What signs, the newest counts.
create table keys (
  num      bigint primary key,
  name     text not null,
  private  {{.Blob}} not null, -- Ed25519 seed
  at       bigint not null,
  rotation text not null -- how the one before hands over, signed by both; empty for the first
);

drop index consents_visitor;
drop index consents_site_at;
alter table consents rename to consents_before;

-- One row an act, only ever added; seq is its number in the site's log. valid_until is at + the notice's days, the asked
-- categories are the notice's. An act is named by visitor and id together: both come from the browser, and one index serves
-- the look-up of a visitor and the refusal of a repetition. Times grow with seq, so that time needs no index of its own.
create table consents (
  site     bigint not null,
  seq      bigint not null,
  visitor  {{.Blob}} not null,
  id       {{.Blob}} not null,
  at       bigint not null,
  notice   bigint not null,
  action   smallint not null, -- place in consent.Actions
  method   smallint not null, -- place in consent.Methods
  given    smallint not null, -- consent.Set
  language text not null,
  extra    text, -- path, address, cleared and remaining names as JSON; null where there are none
  salt     {{.Blob}} not null,
  primary key (site, seq)
){{.Clustered}};
create unique index consents_visitor on consents (visitor, id);
