#!/usr/bin/env mvsh
-- Renames and tags many domains at once. Tags are kept in the domains' metadata.

local args = require "moonvisor.args"
local virt = require "moonvisor"

local NAMESPACE, PREFIX = "https://moonvisor.org/tags", "tags"

local options, patterns = args.parse([[
bulk-tag.lua [-c URI] [--tag TAG...] [--untag TAG...] [--rename PATTERN=NEW]
             [--tagged TAG] [--dry-run] [NAME...]

  NAME                   domains, or patterns of names: 'web*'; none: all
  -c, --connect URI      the host (default: test:///default)
  --tag TAG              adds a tag (letters, digits, dashes); may be repeated
  --untag TAG            removes one; may be repeated
  --tagged TAG           only domains that have this tag
  --rename PATTERN=NEW   renames: PATTERN is a Lua pattern, NEW may use %1
                         (only domains that do not run)
  --dry-run              says what would be done, and does nothing

Without --tag, --untag and --rename the domains are listed with their tags.
]], { connect = "test:///default", tag = {}, untag = {}, rename = "?", tagged = "?", dry_run = false })

-- 'web*' as a Lua pattern
local function as_pattern(text)
	return "^" .. text:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".") .. "$"
end

local function is_chosen(name)
	for _, pattern in ipairs(patterns) do
		if name:find(as_pattern(pattern)) then
			return true
		end
	end
	return #patterns == 0
end

local function tags_of(vm)
	local ok, xml = pcall(vm.metadata, vm, NAMESPACE)
	local set = {}
	if ok then
		for tag in xml:gmatch "<tag>([%w-]+)</tag>" do
			set[tag] = true
		end
	elseif xml.code ~= "no_domain_metadata" then
		error(xml, 0)
	end
	return set
end

local function sorted(set)
	local list = {}
	for tag in pairs(set) do
		list[#list + 1] = tag
	end
	table.sort(list)
	return list
end

local function set_tags(vm, set)
	local parts = {}
	for i, tag in ipairs(sorted(set)) do
		parts[i] = "<tag>" .. tag .. "</tag>"
	end
	vm:set_metadata(NAMESPACE, PREFIX, #parts > 0 and "<tags>" .. table.concat(parts) .. "</tags>" or nil)
end

for _, list in ipairs { options.tag, options.untag } do
	for _, tag in ipairs(list) do
		if not tag:find "^[%w-]+$" then
			io.stderr:write(("bulk-tag.lua: '%s' is no tag: letters, digits and dashes\n"):format(tag))
			os.exit(2)
		end
	end
end

local old, new
if options.rename then
	old, new = options.rename:match "^(.-)=(.*)$"
end

local failed = 0
local function act(vm, what, fn)
	print(("%s: %s%s"):format(vm.name, what, options.dry_run and " (not done)" or ""))
	if not options.dry_run then
		local ok, err = pcall(fn)
		if not ok then
			io.stderr:write(vm.name, ": ", tostring(err), "\n")
			failed = failed + 1
		end
	end
end

local conn <close> = virt.open(options.connect)
for vm in conn.domains:where(function(vm)
	return is_chosen(vm.name) and (not options.tagged or tags_of(vm)[options.tagged])
end) do
	local tags, changed = tags_of(vm), false
	for _, tag in ipairs(options.tag) do
		tags[tag], changed = true, changed or not tags[tag]
	end
	for _, tag in ipairs(options.untag) do
		changed = changed or tags[tag]
		tags[tag] = nil
	end
	if changed then
		act(vm, "tags " .. table.concat(sorted(tags), " "), function()
			set_tags(vm, tags)
		end)
	end
	local renamed = old and vm.name:gsub(old, new)
	if renamed and renamed ~= vm.name then
		act(vm, "renamed to " .. renamed, function()
			vm:rename(renamed)
		end)
	end
	if #options.tag + #options.untag == 0 and not old then
		print(vm.name .. ": " .. table.concat(sorted(tags), " "))
	end
end
os.exit(failed == 0 and 0 or 1, true)
