-- +goose Up
-- Who runs the installation and with whose help: one row, as JSON.
create table installation (body text not null);
insert into installation (body) values ('{}');

-- Papers that somebody accepted, as they read then. Rows are only ever added: an agreement is evidence also when the
-- site is gone, so that the site stands here by its id, which no other site ever gets.
create table acceptances (
  num        {{.Serial}},
  site       text not null,
  paper      text not null,     -- as server/duties names it
  version    bigint not null,   -- of the words
  language   text not null,
  processor  text not null,     -- the parties
  controller text not null,
  name       text not null,     -- who accepted
  email      text not null,
  at         bigint not null,
  style      text not null,     -- hash of the document's style, by which it may be shown
  html       text not null,
  unique (site, paper, version, processor, controller)
);
