ALTER TABLE twin.asset
    DROP CONSTRAINT asset_status,
    ADD CONSTRAINT asset_status CHECK (status IN ('planned', 'in_service', 'suspended', 'retired'));
