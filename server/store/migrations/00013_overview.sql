-- +goose Up
-- What was chosen on each day that is over (UTC), summed up from daily_counts, which stays the truth: a year of two hundred sites
-- is read at once. The last of a site's days says how far it is summed up; later days are read from daily_counts itself.
create table daily_sums (
  site        bigint not null,
  day         bigint not null, -- days since 1970-01-01
  accept_all  bigint not null,
  reject_all  bigint not null,
  custom      bigint not null,
  withdraw    bigint not null,
  preferences bigint not null, -- answers that gave the category
  statistics  bigint not null,
  marketing   bigint not null,
  primary key (site, day)
){{.Clustered}};

-- Steps of a site's guided start that somebody has settled, beside those that can be seen elsewhere.
create table steps (
  site   bigint not null references sites(num),
  step   text not null,
  state  text not null, -- done or skipped
  person text not null,
  at     bigint not null,
  primary key (site, step)
);
