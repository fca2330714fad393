std = "lua54"
max_line_length = 120
-- A method that does not need its object still is a method; callbacks need not use all they are given.
self = false
unused_args = false
files["scripts"] = { read_globals = { "arg" } }
files["tests/lua"] = { read_globals = { "virt" } }
files["engine/conf/schema"] = { max_line_length = 140 }
