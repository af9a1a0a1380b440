-- +goose Up
-- Acts a day (UTC) by the kind of device they were made on, counted in the same transaction as the acts. Nothing leads from here
-- to an act, or back.
create table device_counts (
  site   bigint not null,
  day    bigint not null,   -- days since 1970-01-01
  device smallint not null, -- store.Device; 0: not known, or no longer
  action smallint not null,
  n      bigint not null,
  primary key (site, day, device, action)
){{.Clustered}};
