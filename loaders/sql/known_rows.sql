-- Whether the dataset has assets of the kind, or is linked to some.
SELECT (
    EXISTS (SELECT FROM twin.asset WHERE kind = %(kind)s AND dataset_id = %(dataset_id)s::int)
    OR EXISTS (
        SELECT FROM twin.source WHERE kind = %(kind)s AND dataset_id = %(dataset_id)s::int AND recorded_to IS NULL
    )
)::integer
