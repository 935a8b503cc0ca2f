-- One row: the revision that a release must know to use this schema. It is the newest
-- post-deploy revision that has been applied, or the first revision.
create table schema_compatibility (
    needed_revision text collate "C" primary key
);
insert into schema_compatibility values ('0001');
