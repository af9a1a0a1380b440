-- +goose Up
-- What each purge deleted, or would have deleted. Numbers only: it names nobody (T2).
create table purges (
  num      {{.Serial}},
  site     bigint not null,
  at       bigint not null,
  origin   text not null,     -- store.PurgeOrigin
  dry      smallint not null, -- 1: it only counted
  consents bigint not null,
  refusals bigint not null,
  locked   bigint not null    -- how many of both were under a lock
);
create index purges_site on purges (site, at);

-- Sites that were deleted, so that a deletion is finished after a crash, and no backup brings one back (T8, T10). An id is
-- random and names nobody.
create table deleted_sites (
  id   text primary key,
  num  bigint not null,
  at   bigint not null,
  done smallint not null
);

-- Names the history of this database. A restored backup begins another one: there, numbers of the logs are given anew.
create table lineage (id text not null);
