-- +goose Up
-- Controllers on one installation, strictly apart (H3). What was there before belongs to the first, whose name is empty until
-- somebody gives it one.
create table organisations (
  num        {{.Serial}},
  id         text not null unique,
  name       text not null,
  totp       smallint not null, -- 1: its people need a second factor
  created_at bigint not null
);
insert into organisations (id, name, totp, created_at) values ('first', '', 0, 0);
alter table sites add column org bigint not null default 1; -- organisations.num
create index sites_org on sites (org);

-- Who may do what in an organisation.
create table members (
  user_num bigint not null references users(num),
  org      bigint not null references organisations(num),
  role     text not null,
  sites    text not null, -- JSON: ids of the only sites; empty: every site
  primary key (user_num, org)
);
create index members_org on members (org);
insert into members (user_num, org, role, sites) select num, 1, role, '' from users;

alter table users add column name text not null default '';
alter table users add column theme text not null default '';         -- light or dark; empty: as the device
alter table users add column admin smallint not null default 0;      -- 1: runs the installation
alter table users add column totp {{.Blob}};                         -- the secret of the second factor; null: there is none
alter table users add column totp_step bigint not null default 0;    -- of the last code: each is good for once
update users set admin = 1 where num = (select min(num) from users where role = 'owner');
alter table users drop column role;

-- Codes that stand in for the second factor, each for once.
create table recovery (
  user_num bigint not null references users(num),
  code     {{.Blob}} not null, -- SHA-256
  primary key (user_num, code)
);

-- Sessions of before would not say where they are.
delete from sessions;
alter table sessions add column used_at bigint not null default 0;
alter table sessions add column device text not null default '';  -- browser and system, coarsely
alter table sessions add column address text not null default '';
alter table sessions add column half smallint not null default 0; -- 1: the second factor is still missing

-- One-time links by which people become members.
create table invitations (
  num        {{.Serial}},
  token      {{.Blob}} not null unique, -- SHA-256 of what the link holds
  org        bigint not null references organisations(num),
  email      text not null,
  role       text not null,
  sites      text not null, -- as in members
  invited_by text not null,
  at         bigint not null,
  expires_at bigint not null
);

-- What programs log in with.
create table tokens (
  num        {{.Serial}},
  token      {{.Blob}} not null unique, -- SHA-256
  org        bigint not null references organisations(num),
  name       text not null,
  scopes     text not null, -- JSON
  sites      text not null, -- as in members
  made_by    text not null,
  at         bigint not null,
  expires_at bigint not null,
  used_at    bigint not null -- 0: never
);
