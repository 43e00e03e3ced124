-- The fields that a dataset owns of its assets of a kind, and those that others own of the same assets.
SELECT
    (SELECT fields FROM twin.ownership WHERE dataset_id = %(dataset_id)s AND kind = %(kind)s),
    ARRAY(
        SELECT DISTINCT name
        FROM twin.ownership o
        CROSS JOIN LATERAL unnest(o.fields) AS name
        WHERE o.kind = %(kind)s AND o.dataset_id <> %(dataset_id)s AND EXISTS (
            SELECT FROM twin.source l
            JOIN twin.asset a ON a.kind = l.kind AND a.code = l.code
            WHERE l.kind = %(kind)s AND l.recorded_to IS NULL
              AND (l.dataset_id = %(dataset_id)s AND (a.dataset_id = o.dataset_id OR EXISTS (
                      SELECT FROM twin.source b
                      WHERE b.code = l.code AND b.dataset_id = o.dataset_id AND b.recorded_to IS NULL
                  )) OR l.dataset_id = o.dataset_id AND a.dataset_id = %(dataset_id)s)
        )
        ORDER BY name
    )
