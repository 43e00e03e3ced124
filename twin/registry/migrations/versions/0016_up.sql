-- IN looks through an array: comparing with the status that nearly all assets have takes a third of the time.
ALTER TABLE twin.asset
    DROP CONSTRAINT asset_status,
    ADD CONSTRAINT asset_status CHECK (
        status = 'in_service' OR status = 'planned' OR status = 'suspended' OR status = 'retired'
    );
