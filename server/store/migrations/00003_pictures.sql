-- +goose Up
-- How each notice looked, as PNG. Taken once, never changed, and kept as long as the notice (T11).
create table pictures (
  notice   bigint not null references notices(num),
  language text not null,
  device   text not null,     -- desktop or mobile
  layer    smallint not null, -- 1 or 2
  taken_at bigint not null,
  browser  text not null,     -- name and version
  png      {{.Blob}} not null,
  primary key (notice, language, device, layer)
);
