-- Where network filters are in force.

return require("moonvisor.object.common").implementation("nwfilterbinding", { port = "portdev", filter = "filtername" })
