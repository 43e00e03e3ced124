-- Whether any asset of the kind is described by several datasets, or would be by this load.
SELECT (
    EXISTS (SELECT FROM twin.source WHERE kind = %(kind)s AND recorded_to IS NULL)
    OR EXISTS (SELECT FROM {stage} WHERE linked_by IS NOT NULL)
)::integer
