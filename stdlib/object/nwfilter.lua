-- Network filters.

return require("moonvisor.object.common").implementation("nwfilter", { "name", "uuid" })
