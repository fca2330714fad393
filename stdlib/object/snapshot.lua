-- Snapshots of domains.

return require("moonvisor.object.moment").implementation("Snapshot", "domainsnapshot", "domain_snapshot_get_parent")
