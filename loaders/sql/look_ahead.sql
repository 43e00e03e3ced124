-- Read what the merge will change: the registered assets of some rows, and where the indexes have what they have.
SELECT count(found)
FROM (
    SELECT (SELECT count(*) FROM twin.asset i WHERE (i.kind, i.code) = (a.kind, a.code))
        + (SELECT count(*) FROM twin.asset i WHERE (i.kind, i.cell) = (a.kind, a.cell))
        + (SELECT count(*) FROM twin.asset i WHERE i.kind = a.kind AND i.geom && a.geom)
        + (SELECT count(*) FROM twin.identifier i WHERE (i.kind, i.code) = (a.kind, a.code)) AS found
    FROM {stage} s
    JOIN twin.asset a ON a.dataset_id = %(dataset_id)s AND a.kind = %(kind)s AND a.source_key = s.source_key
    WHERE s.existing AND s.row_number BETWEEN %(first)s AND %(last)s
) AS looked_at
