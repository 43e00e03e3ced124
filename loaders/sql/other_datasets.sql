-- Whether another dataset has assets of the kind; one look at the index for each.
SELECT count(*)
FROM twin.dataset d
CROSS JOIN LATERAL (SELECT FROM twin.asset a WHERE a.kind = %(kind)s AND a.dataset_id = d.id LIMIT 1) AS found
WHERE d.id IS DISTINCT FROM %(dataset_id)s
