-- The load itself, or what one in batches has come to.
INSERT INTO twin.load (
    id, dataset_id, kind, source, format, options, read, new, changed, same, rejected, receipt, started_at, finished_at,
    undoes, recorded_at, moments
)
VALUES (
    %(load_id)s, %(dataset_id)s, %(kind)s, %(source)s, %(format)s, %(options)s, %(read)s, %(new)s, %(changed)s,
    %(same)s, %(rejected)s, %(receipt)s, %(started_at)s, clock_timestamp(), %(undoes)s,
    coalesce(%(recorded_at)s, now()), ARRAY[coalesce(%(recorded_at)s, now())]
)
ON CONFLICT (id) DO UPDATE SET
    read = excluded.read, new = excluded.new, changed = excluded.changed, same = excluded.same,
    rejected = excluded.rejected, receipt = excluded.receipt, finished_at = excluded.finished_at,
    moments = load.moments || excluded.moments
