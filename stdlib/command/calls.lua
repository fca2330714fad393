-- Methods of the control object: calls of which a failure is an answer too.

local Control = {}

--- Makes a call: what it returns, or nil and the error where the driver has none.
function Control:try(call, ...)
	local ok, value = pcall(self.raw[call], self.raw, ...)
	if ok then
		return value
	elseif type(value) ~= "table" or not value.code then -- no error of a driver's
		error(value, 0)
	end
	return nil, value
end

--- What a call says that answers yes or no: a boolean, nil when it failed.
function Control:truth(call, ...)
	local value = self:try(call, ...)
	if value == nil then
		return nil
	end
	return value ~= 0 and value ~= false
end

--- Makes a call that lists. A host that has it not is asked as virsh asks hosts of old, by a call that counts, so that
--- the errors are the same.
---@param nouns string[]   what cannot be listed, what cannot be counted
---@return table result    of the call
function Control:list_all(nouns, call, count, flags)
	local result, err = self:try(call, 1, flags)
	if result then
		return result
	elseif err.code ~= "no_support" then
		self:fail_because(err, "Failed to list %s", nouns[1])
	elseif flags > 3 then -- beyond active and inactive
		self:fail "Filtering is not supported by this libvirt"
	end
	self:attempt("Failed to count %s", nouns[2])[count](self:attempt("Failed to count %s", nouns[2]))
	self:fail_because(err, "Failed to list %s", nouns[1])
end

return Control
