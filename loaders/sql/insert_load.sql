-- The load itself.
INSERT INTO twin.load (
    id, dataset_id, kind, source, format, options, read, new, changed, same, rejected, receipt, started_at, finished_at,
    undoes, recorded_at
)
VALUES (
    %(load_id)s, %(dataset_id)s, %(kind)s, %(source)s, %(format)s, %(options)s, %(read)s, %(new)s, %(changed)s,
    %(same)s, %(rejected)s, %(receipt)s, %(started_at)s, clock_timestamp(), %(undoes)s,
    coalesce(%(recorded_at)s, now())
)
