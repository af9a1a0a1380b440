-- +goose Up
-- An act is named by visitor and id. Of the two UUIDs the index keeps the time and 26 random bits of one, and 48 random bits
-- of the other: no two acts share them by chance, and 16 bytes an act are saved. Whoever makes them up gets id_reused.
drop index consents_visitor;
create unique index consents_visitor on consents (substr(visitor, 1, 10), substr(id, 11));
drop index locked_visitor;
create index locked_visitor on locked (substr(visitor, 1, 10), substr(id, 11));
