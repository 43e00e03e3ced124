-- A load and what an undo must know of it: its dataset, what it changed, what it undoes, and what has undone it.
SELECT d.id, d.name, l.kind, l.source, l.moments,
    l.new + l.changed + coalesce((l.receipt ->> 'retired')::bigint, 0) + coalesce((l.receipt ->> 'linked')::bigint, 0)
        + coalesce((l.receipt ->> 'unlinked')::bigint, 0), l.undoes, other.undoes, u.undone_by
FROM twin.load l
JOIN twin.dataset d ON d.id = l.dataset_id
LEFT JOIN twin.load other ON other.id = l.undoes
LEFT JOIN twin.undone u ON u.load_id = l.id
WHERE l.id = %(number)s
