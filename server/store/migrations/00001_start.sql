-- +goose Up
-- Times are integer milliseconds UTC. {{.Serial}} and {{.Blob}} are the only words that differ between the engines.

create table sites (
  num        {{.Serial}},
  id         text not null unique,
  body       text not null, -- consent.Site as JSON
  items      text not null, -- the draft declaration: []consent.Item as JSON
  created_at bigint not null
);

-- What was shown. Never changed, never deleted while a record refers to it.
create table notices (
  num        {{.Serial}},
  site       bigint not null references sites(num),
  hash       {{.Blob}} not null unique,
  version    bigint not null,
  valid_from bigint not null,
  author     text not null,
  reason     text not null,
  content    text not null, -- consent.Content as JSON, the very bytes that were hashed
  script     {{.Blob}} not null,
  files      text not null, -- name -> text, what the script fetches when it needs it
  unique (site, version)
);

-- One row an act, only ever added. valid_until is at + the notice's days, the asked categories are the notice's.
-- An act is named by visitor and id together: both come from the browser, and one index serves the look-up of a
-- visitor and the refusal of a repetition.
create table consents (
  seq      {{.Serial}},
  site     bigint not null,
  visitor  {{.Blob}} not null,
  id       {{.Blob}} not null,
  at       bigint not null,
  notice   bigint not null,
  action   smallint not null, -- place in consent.Actions
  method   smallint not null, -- place in consent.Methods
  given    smallint not null, -- consent.Set
  language text not null,
  extra    text -- path, address, cleared and remaining names as JSON; null where there are none
);
create unique index consents_visitor on consents (visitor, id);
create index consents_site_at on consents (site, at);

-- Acts a day (UTC), kept in the same transaction as the acts: statistics never scan them.
create table daily_counts (
  site     bigint not null,
  day      bigint not null, -- days since 1970-01-01
  notice   bigint not null,
  action   smallint not null,
  given    smallint not null,
  language text not null,
  n        bigint not null,
  primary key (site, day, notice, action, given, language)
);

create table scans (
  num    {{.Serial}},
  site   bigint not null references sites(num),
  at     bigint not null,
  report text not null -- the scan's JSON
);
create index scans_site on scans (site, at);

create table users (
  num         {{.Serial}},
  email       text not null unique,
  password    text not null, -- argon2id in PHC form
  role        text not null,
  language    text not null,
  must_change smallint not null,
  created_at  bigint not null
);

create table sessions (
  token      {{.Blob}} primary key, -- SHA-256 of what the cookie holds
  user_num   bigint not null references users(num),
  created_at bigint not null,
  expires_at bigint not null
);
create index sessions_user on sessions (user_num);

-- One row; counts the changes to sites and notices, so that every server sees another's.
create table revision (n bigint not null);
insert into revision (n) values (1);
