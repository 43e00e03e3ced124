-- What the work on an undoing begins with, and the receipt of the load that has undone this one.
SELECT u.state, l.receipt
FROM twin.undoing u
LEFT JOIN twin.undone d ON d.load_id = u.load_id
LEFT JOIN twin.load l ON l.id = d.undone_by
WHERE u.load_id = %(load)s
