-- Note the rows of assets that several datasets describe, and what each row decides. A linked row decides the
-- fields that its dataset owns and, of the others that nobody else owns, those that it filled or that are empty.
-- The registering dataset's row decides all that no linked dataset owns, and what those filled if it says it.
INSERT INTO {links} (row_number, source_key, code, issued_in, linked_by, kept, filled, taken)
SELECT s.row_number, s.source_key, s.code, s.issued_in, s.linked_by, judged.kept,
    ARRAY(
        SELECT name FROM unnest(%(fields)s::text[]) AS name
        WHERE s.linked_by IS NOT NULL AND name <> ALL (judged.kept) AND name <> ALL (%(owns)s::text[])
          AND (name = ANY(facts.said) OR name = ANY(facts.filled) AND name <> ALL (%(brought)s::text[]))
    ),
    ARRAY(
        SELECT name FROM unnest(facts.filled) AS name
        WHERE s.linked_by IS NULL AND name = ANY(facts.said) AND name <> ALL (facts.others)
    )
FROM {stage} s
JOIN twin.asset a ON a.kind = %(kind)s AND a.code = s.code
LEFT JOIN (
    SELECT row_number, array_agg(scheme) AS schemes FROM {identifiers} WHERE issuer = '' GROUP BY row_number
) AS brought ON brought.row_number = s.row_number
CROSS JOIN LATERAL (
    SELECT
        array_remove(ARRAY[{said}], NULL) || ARRAY(SELECT jsonb_object_keys(s.attributes))
            || coalesce(brought.schemes, '{{}}') AS said,
        array_remove(ARRAY[{known}], NULL) || ARRAY(SELECT jsonb_object_keys(a.attributes)) || ARRAY(
            SELECT i.scheme FROM twin.identifier i WHERE i.code = s.code AND i.issuer = '' AND i.valid_to IS NULL
        ) AS known,
        ARRAY(
            SELECT DISTINCT unnest(l.filled)
            FROM twin.source l
            WHERE l.code = s.code AND l.recorded_to IS NULL
              AND (s.linked_by IS NULL OR l.dataset_id = %(dataset_id)s AND l.source_key = s.source_key)
        ) AS filled,
        ARRAY(
            SELECT DISTINCT unnest(o.fields)
            FROM twin.ownership o
            WHERE o.kind = %(kind)s AND o.dataset_id IS DISTINCT FROM %(dataset_id)s
              AND (o.dataset_id = a.dataset_id OR EXISTS (
                  SELECT FROM twin.source l
                  WHERE l.code = s.code AND l.dataset_id = o.dataset_id AND l.recorded_to IS NULL
              ))
        ) AS others
) AS facts
CROSS JOIN LATERAL (
    SELECT ARRAY(
        SELECT name FROM unnest(%(fields)s::text[]) AS name
        WHERE CASE WHEN s.linked_by IS NULL
            THEN name = ANY(facts.others) OR name = ANY(facts.filled) AND name <> ALL (facts.said)
            ELSE name <> ALL (%(owns)s::text[])
                AND (name = ANY(facts.others) OR name = ANY(facts.known) AND name <> ALL (facts.filled))
        END
    ) AS kept
) AS judged
WHERE s.existing
  AND (s.linked_by IS NOT NULL OR EXISTS (SELECT FROM twin.source l WHERE l.code = s.code AND l.recorded_to IS NULL))
