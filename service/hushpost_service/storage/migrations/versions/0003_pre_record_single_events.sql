-- Records the events of single calls in one statement, which is a transaction of its own. Each
-- statement of the function sees what was committed before that statement began, so all that follow
-- the lock see the last change of consent or policy. Requires the isolation level READ COMMITTED.
--
-- Returns false, and writes nothing, if the start of the policy in force is not `in_policy_start`, or
-- if a row of `in_contacts` is not the version `in_versions`. Contacts are read without a row lock,
-- and before anything is written: the transaction has no number yet that WAL could link to them.
--
-- Raises HU001 if one of the request ids has been claimed; see `storage.request_ids`. They must not
-- be claimed in a period other than `in_periods`.
--
-- The events are sorted by slot, and those of a slot by time; only the first of a slot is
-- `in_is_earliest`. Such an event is a first event if the slot was not marked before, either. An event
-- that is not IDENTIFIED (mode 1) has neither contact nor time, an AGGREGATE one no slot.
--
-- Locks are taken in the order of other transactions: recording, request ids, bitmaps of identified
-- slots, all bitmaps, counters, each sorted by key. So `marked` sorts its input, for which it must
-- read all of `recorded`, and `counted` depends on `marked`. A bitmap that does not exist cannot be
-- locked: if one is missing, nothing is written before all have been inserted. Inserting them waits
-- for concurrent transactions that insert the same ones, and therefore precedes all locks of rows.
--
-- 4096 and 16384 are the slots of a bitmap of opens and of clicks, 3600000000 is an hour.
create function record_single_events(
    in_tenant integer,
    in_lock_key integer,
    in_policy_start timestamptz,
    in_contacts bigint[],
    in_versions xid[],
    in_methods smallint[],
    in_request_ids uuid[],
    in_periods integer[],
    in_inserts_bitmaps boolean,
    in_campaigns bigint[],
    in_group_numbers integer[],
    in_signals integer[],
    in_machines boolean[],
    in_modes smallint[],
    in_slots integer[],
    in_event_times bigint[],
    in_event_contacts bigint[],
    in_verdicts smallint[],
    in_is_earliest boolean[]
) returns boolean language plpgsql as $$
declare
    claimed integer;
    is_written boolean;
begin
    perform pg_advisory_xact_lock_shared(in_lock_key, in_tenant);

    if in_policy_start is distinct from (
        select valid_from from policies where tenant = in_tenant order by version desc limit 1
    ) or cardinality(in_contacts) <> (
        select count(*)
        from unnest(in_contacts, in_versions) as input(number, version)
        cross join lateral (
            select xmin as current_version
            from contacts
            where tenant = in_tenant and contact between number and number
            order by contact
            limit 1
        ) as found
        where current_version = version
    ) then
        return false;
    end if;

    if cardinality(in_methods) > 0 then
        insert into request_ids (tenant, method, request_id, period)
        select in_tenant, method, request_id, period
        from unnest(in_methods, in_request_ids) as input(method, request_id)
        cross join unnest(in_periods) as period
        order by method, request_id, period
        on conflict do nothing;
        get diagnostics claimed = row_count;
        if claimed < cardinality(in_methods) * cardinality(in_periods) then
            raise exception using errcode = 'HU001', message = 'a request id is claimed already';
        end if;
    end if;

    if cardinality(in_slots) = 0 then
        return true;
    end if;

    loop
        if in_inserts_bitmaps then
            insert into slot_bits (tenant, campaign, group_number, signal, machine, mode, chunk, bits)
            select distinct in_tenant, campaign, group_number, signal, machine, 1,
                slot / chunk_slots, repeat('0', chunk_slots)::varbit
            from unnest(in_campaigns, in_group_numbers, in_signals, in_machines, in_modes, in_slots)
                as input(campaign, group_number, signal, machine, mode, slot)
            cross join lateral (
                select case when signal = 0 then 4096 else 16384 end as chunk_slots
            ) as size
            where mode = 1
            order by campaign, group_number, signal, machine, slot / chunk_slots
            on conflict do nothing;
        end if;
        with input as (
            select *,
                case when signal = 0 then 4096 else 16384 end as chunk_slots
            from unnest(
                in_campaigns, in_group_numbers, in_signals, in_machines, in_modes, in_slots, in_event_times,
                in_event_contacts, in_verdicts, in_is_earliest
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
                where tenant = in_tenant
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
            select in_tenant, campaign, group_number, signal, machine, mode, chunk, bit_or(set_bit(
                case
                    when signal = 0 then (select repeat('0', 4096)::varbit)
                    else (select repeat('0', 16384)::varbit)
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
            select in_tenant, campaign, group_number, signal, machine, mode, event_time / 3600000000 as hour,
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
            select in_tenant, campaign, contact,
                timestamptz 'epoch' + event_time * interval '1 microsecond',
                group_number, slot, signal, verdict, is_first
            from recorded
            where mode = 1 and (select is_complete from complete)
        )
        select complete.is_complete into is_written from complete;
        exit when is_written;
        in_inserts_bitmaps := true;
    end loop;
    return true;
end
$$;
