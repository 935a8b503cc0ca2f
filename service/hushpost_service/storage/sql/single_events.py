"""The statement that writes the few events of single calls."""

from hushpost_service.domain.counters import CLICK_CHUNK_SLOTS, HOUR, OPEN_CHUNK_SLOTS

# Does what `LOCK_SLOT_BITS` and `WRITE` do, in one round trip and without sending bitmaps: marks
# slots, adds to counters (upserts), and inserts identified events. The events are sorted by slot, and
# those of a slot by time; only the first of a slot is `is_earliest`. Such an event is a first event if
# the slot was not marked before, either. Arrays are text, see `storage.array_text`.
#
# Locks are taken in the order of `WRITE`: bitmaps of identified slots, all bitmaps, counters, each
# sorted by key. So `marked` sorts its input, for which it must read all of `recorded`, and `counted`
# depends on `marked`.
#
# Returns whether all bitmaps of identified slots exist. If not, nothing is written, because a row that
# does not exist cannot be locked.
WRITE_SINGLE_EVENTS = f"""
with input as (
    select *,
        case when signal = 0 then {OPEN_CHUNK_SLOTS} else {CLICK_CHUNK_SLOTS} end as chunk_slots
    from unnest(
        $2::text::bigint[], $3::text::integer[], $4::text::integer[], $5::text::boolean[],
        $6::text::smallint[], $7::text::integer[], $8::text::bigint[], $9::text::bigint[],
        $10::text::smallint[], $11::text::boolean[]
    ) as input(
        campaign, group_number, signal, machine, mode, slot, event_time, contact, verdict, is_earliest
    )
), recorded as materialized (
    select input.*,
        slot / chunk_slots as chunk,
        is_earliest and get_bit(existing.bits, slot % chunk_slots) = 0 as is_first
    from input
    left join lateral (
        select bits
        from slot_bits
        where tenant = $1
            and campaign = input.campaign
            and group_number = input.group_number
            and signal = input.signal
            and machine = input.machine
            and mode = 1
            and chunk = slot / chunk_slots
            and input.mode = 1
        for update
    ) as existing on true
), complete as materialized (
    select bool_and(mode <> 1 or is_first is not null) as is_complete from recorded
), marked as (
    insert into slot_bits as existing
        (tenant, campaign, group_number, signal, machine, mode, chunk, bits)
    select $1, campaign, group_number, signal, machine, mode, chunk, bit_or(set_bit(
        case
            when signal = 0 then (select repeat('0', {OPEN_CHUNK_SLOTS})::varbit)
            else (select repeat('0', {CLICK_CHUNK_SLOTS})::varbit)
        end, slot % chunk_slots, 1
    ))
    from recorded
    where (is_first or mode = 2) and (select is_complete from complete)
    group by campaign, group_number, signal, machine, mode, chunk
    order by campaign, group_number, signal, machine, mode, chunk
    on conflict (tenant, campaign, group_number, signal, machine, mode, chunk)
    do update set bits = existing.bits | excluded.bits
    where existing.bits & excluded.bits <> excluded.bits
    returning 1
), counted as (
    insert into counters as existing
        (tenant, campaign, group_number, signal, machine, mode, hour, events, first_events)
    select $1, campaign, group_number, signal, machine, mode, event_time / {HOUR} as hour,
        count(*), count(*) filter (where is_first)
    from recorded
    where (select is_complete from complete) and (select count(*) from marked) >= 0
    group by campaign, group_number, signal, machine, mode, hour
    order by campaign, group_number, signal, machine, mode, hour
    on conflict (tenant, campaign, group_number, signal, machine, mode, hour)
    do update set
        events = existing.events + excluded.events,
        first_events = existing.first_events + excluded.first_events
), inserted as (
    insert into events
        (tenant, campaign, contact, event_time, group_number, slot, signal, verdict, is_first)
    select $1, campaign, contact,
        timestamptz 'epoch' + event_time * interval '1 microsecond',
        group_number, slot, signal, verdict, is_first
    from recorded
    where mode = 1 and (select is_complete from complete)
)
select is_complete from complete
"""
