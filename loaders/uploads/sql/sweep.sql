-- Forget the uploads and the asked undoings on which nothing happened for so many seconds and nobody works.
WITH forgotten AS (
    DELETE FROM twin.undoing
    WHERE state IN ('previewed', 'undone', 'refused') AND changed_at < now() - make_interval(secs => %(seconds)s)
)
DELETE FROM twin.upload
WHERE state IN ('inspected', 'loaded', 'refused') AND changed_at < now() - make_interval(secs => %(seconds)s)
RETURNING id
