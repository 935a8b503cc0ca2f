"""Parts of statements: the columns of `contacts` that hold a preference."""

# The columns that `storage.preference_columns.to_preference` converts.
PREFERENCE_COLUMNS = """opens_consent, clicks_consent, opens_time, clicks_time,
    opens_anonymous_until, opens_aggregate_until, opens_off_until,
    clicks_anonymous_until, clicks_aggregate_until, clicks_off_until"""

# The same for campaigns that were created at {created} or later. Earlier times are replaced by
# null: they have no effect on the modes, and would split groups of contacts.
PREFERENCE_SINCE = """opens_consent, clicks_consent,
    case when opens_time > {created} then opens_time end as opens_since,
    case when clicks_time > {created} then clicks_time end as clicks_since,
    case when opens_anonymous_until >= {created} then opens_anonymous_until end as opens_anonymous,
    case when opens_aggregate_until >= {created} then opens_aggregate_until end as opens_aggregate,
    case when opens_off_until >= {created} then opens_off_until end as opens_off,
    case when clicks_anonymous_until >= {created} then clicks_anonymous_until end
        as clicks_anonymous,
    case when clicks_aggregate_until >= {created} then clicks_aggregate_until end
        as clicks_aggregate,
    case when clicks_off_until >= {created} then clicks_off_until end as clicks_off"""

# The names of the columns of `PREFERENCE_SINCE`, to group by.
PREFERENCE_GROUP = """opens_consent, clicks_consent, opens_since, clicks_since,
    opens_anonymous, opens_aggregate, opens_off, clicks_anonymous, clicks_aggregate, clicks_off"""
