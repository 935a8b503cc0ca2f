"""Statements about the rights of the database role."""

# Selects the rights that the role lacks and will need: tables are created in the schema,
# and the owner of a table may create and drop its partitions, vacuum it and alter it.
# Leaves out what belongs to extensions, sequences of columns, and partitions of a table
# that is listed itself.
MISSING_RIGHTS = """
select 'a schema' as need, 'search_path' as object
where current_schema() is null
union all
select 'CREATE on the schema', current_schema()::text
where not has_schema_privilege(current_schema(), 'create')
union all
(
    select 'ownership of', class.relname::text
    from pg_class class
    left join pg_inherits on inhrelid = class.oid
    left join pg_class parent on parent.oid = inhparent
    where class.relnamespace = current_schema()::regnamespace
        and class.relkind in ('r', 'p', 'S')
        and not pg_has_role(class.relowner, 'usage')
        and (parent.oid is null or pg_has_role(parent.relowner, 'usage'))
        and not exists (
            select from pg_depend
            where classid = 'pg_class'::regclass and objid = class.oid and objsubid = 0
                and deptype in ('e', 'i')
        )
    order by class.relname
)
"""

# Selects the name of the role.
ROLE = "select current_user"
