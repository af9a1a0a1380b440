-- +goose Up
-- Acts that are withheld: what reads consents doesn't see them (T6). They keep their numbers in the log.
create table locked (
  site     bigint not null,
  seq      bigint not null,
  visitor  {{.Blob}} not null,
  id       {{.Blob}} not null,
  at       bigint not null,
  notice   bigint not null,
  action   smallint not null,
  method   smallint not null,
  given    smallint not null,
  language text not null,
  extra    text,
  salt     {{.Blob}} not null,
  why      text not null,     -- store.Lock
  dropped  smallint not null, -- 1: optional fields are gone, so that it can't be proven any more and never comes back
  primary key (site, seq)
){{.Clustered}};
create index locked_visitor on locked (visitor, id);

-- While one of a site's holds has not ended, erasing means locking (T5, T7).
create table holds (
  num       {{.Serial}},
  site      bigint not null references sites(num),
  reason    text not null,
  person    text not null, -- who answers for it
  from_at   bigint not null,
  review_at bigint not null,
  ended_at  bigint, -- null: it hasn't
  ended_by  text not null
);
create index holds_site on holds (site);
