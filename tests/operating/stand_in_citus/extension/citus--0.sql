-- Stands in for Citus, which these tests have not. It notes what it is asked for and moves no row; it refuses
-- what Citus refuses, as Citus's documentation and its create_distributed_table.c and foreign_constraint.c say.

CREATE TABLE pg_dist_partition (logicalrelid regclass, partmethod "char", repmodel "char");
CREATE TABLE stand_in_call (number integer GENERATED ALWAYS AS IDENTITY, call text);

CREATE FUNCTION stand_in_place(placed regclass, key text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = placed) THEN
        RAISE EXCEPTION 'table "%" is already distributed', placed;
    END IF;
    IF current_setting('citus.enable_unsafe_triggers', true) IS DISTINCT FROM 'on'
        AND EXISTS (SELECT FROM pg_trigger WHERE tgrelid = placed AND NOT tgisinternal) THEN
        RAISE EXCEPTION 'cannot distribute relation "%" because it has triggers', placed;
    END IF;
    IF key IS NOT NULL AND EXISTS (
        SELECT FROM pg_index WHERE indrelid = placed AND indisunique AND NOT EXISTS (
            SELECT FROM pg_attribute
            WHERE attrelid = placed AND attname = key AND attnum = ANY(indkey::int2[])
        )
    ) THEN
        RAISE EXCEPTION 'cannot create constraint on "%": its unique keys must have the partition column', placed;
    END IF;
    IF EXISTS (
        SELECT FROM pg_constraint LEFT JOIN pg_dist_partition ON logicalrelid = confrelid
        WHERE conrelid = placed AND contype = 'f' AND (partmethod IS NULL OR key IS NULL AND partmethod <> 'n')
    ) THEN
        RAISE EXCEPTION 'cannot create foreign key constraint from "%" to a table that is not placed so', placed;
    END IF;
END $$;

CREATE FUNCTION create_reference_table(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM stand_in_place(table_name, NULL);
    INSERT INTO pg_dist_partition VALUES (table_name, 'n', 't');
    INSERT INTO stand_in_call (call) VALUES (format('reference %s', table_name));
END $$;

CREATE FUNCTION create_distributed_table(
    table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash',
    colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF colocate_with <> 'none' AND NOT EXISTS (
        SELECT FROM pg_dist_partition WHERE logicalrelid = colocate_with::regclass AND partmethod = 'h'
    ) THEN
        RAISE EXCEPTION 'relation % is not distributed', colocate_with;
    END IF;
    PERFORM stand_in_place(table_name, distribution_column);
    INSERT INTO pg_dist_partition VALUES (table_name, 'h', 's');
    INSERT INTO stand_in_call (call)
    VALUES (format('distributed %s by %s with %s', table_name, distribution_column, colocate_with));
END $$;

-- Citus empties what the coordinator kept, and the shards have the rows. Here there are no shards: the rows go.
CREATE FUNCTION truncate_local_data_after_distributing_table(function_table regclass) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('citus.enable_ddl_propagation', true) IS DISTINCT FROM 'off' THEN
        RAISE EXCEPTION 'the guards would have been switched off on the shards too';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = function_table) THEN
        RAISE EXCEPTION 'supplied parameter is not a distributed relation';
    END IF;
    EXECUTE format('TRUNCATE %s CASCADE', function_table);
    PERFORM set_config('citus.enable_ddl_propagation', 'on', true);
END $$;
