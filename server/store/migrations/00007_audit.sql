-- +goose Up
-- What people did with the installation (site 0) and with a site: the entries of the logs of kind 1. Rows are only ever added.
-- what and who stand in the body too, which is what counts; as columns they can be looked for.
create table deeds (
  site bigint not null,
  seq  bigint not null,
  at   bigint not null,
  what text not null,
  who  text not null,
  salt {{.Blob}} not null,
  body text not null, -- consent.Deed, the canonical bytes
  primary key (site, seq)
){{.Clustered}};
create index deeds_what on deeds (site, what, seq);
create index deeds_who on deeds (site, who, seq);
