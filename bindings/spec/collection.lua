-- Collections of objects.

return {
	name = "Collection",
	noun = "collection",
	summary = "the objects of one kind",
	detail = 'collection.NAME or collection["NAME"] is the object of that name, nil where there is none; #collection '
		.. "counts them; pairs(collection) goes through names and objects, sorted by name. An object that is called "
		.. "like a method is found by the connection's method, conn:domain(), say.",
	properties = {},
	methods = {
		{
			name = "each",
			summary = "iterates over the objects whose properties have these values",
			params = {
				{ name = "filter", type = "table", optional = true, summary = "properties and the values they must have" },
			},
			returns = { { type = "function", summary = "the iterator; it gives objects" } },
			errors = { "rpc", "system" },
			example = "for d in conn.domains:each { active = true } do print(d.name) end",
		},
		{
			name = "where",
			summary = "iterates over the objects for which a function returns true",
			params = { { name = "predicate", type = "function", summary = "gets an object" } },
			returns = { { type = "function", summary = "the iterator; it gives objects" } },
			errors = { "rpc", "system" },
			example = 'for d in conn.domains:where(function(d) return d.name:find "^web" end) do d:shutdown() end',
		},
		{
			name = "list",
			summary = "all of them, sorted by name",
			params = {},
			returns = { { type = "table", summary = "a list of objects" } },
			errors = { "rpc", "system" },
			example = "print(#conn.domains:list())",
		},
	},
}
