-- Checkpoints of domains.

return require("moonvisor.object.moment").implementation("Checkpoint", "domaincheckpoint",
	"domain_checkpoint_get_parent")
