-- How many new assets the load brings, how many changed ones, and how many of both were put where they stand.
SELECT
    count(*) FILTER (WHERE NOT existing),
    count(*) FILTER (WHERE existing),
    count(*) FILTER (WHERE parent_by = 'place')
FROM {stage}
