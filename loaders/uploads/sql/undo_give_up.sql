-- Undoings that wait for work that nobody will do: their job has failed for ever or is gone.
UPDATE twin.undoing AS u
SET state = 'refused', problem = %(problem)s, changed_at = now()
WHERE u.state IN ('previewing', 'waiting')
  AND NOT EXISTS (
      SELECT FROM queue.procrastinate_jobs j
      WHERE j.queue_name = 'uploads' AND j.status IN ('todo', 'doing') AND j.args ->> 'load' = u.load_id::text
  )
