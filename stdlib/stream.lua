-- Streams: buffered reading, expect(), and waiting with a time limit, over the socket that bindings/stream.c holds.

local class = require "moonvisor.class"
local core = require "moonvisor.core"
local errors = require "moonvisor.errors"
local wait = require "moonvisor.wait"

local M = {}

local Stream = core.Stream

local KEEP = 1 << 20 -- what expect() searches at most
local SEEN = 4096 -- what is remembered for messages
local LINES, LINE_WIDTH = 5, 120

-- For each stream: buffer (read from the guest, not yet by the program), ended, seen (what came last, for messages).
local states = setmetatable({}, { __mode = "k" })

local function state_of(stream)
	local state = states[stream]
	if not state then
		state = { buffer = "", ended = false, seen = "" }
		states[stream] = state
	end
	return state
end

-- Takes what the socket has. Whether there is more to look at than before: bytes, or the end.
local function pump(stream, state)
	if state.ended then
		return false
	end
	local data = Stream.recv(stream)
	if not data then
		state.ended = true
		return true
	elseif data == "" then
		return false
	end
	state.buffer = state.buffer .. data
	state.seen = (#data < SEEN and state.seen .. data or data):sub(-SEEN)
	return true
end

-- Waits until pump() has something; false when the deadline is over.
local function fill(stream, state, deadline)
	while not pump(stream, state) do
		if state.ended or wait.expired(deadline) then
			return false
		end
		wait.step({ stream }, deadline)
		Stream.check(stream) -- a function of an event may have closed it
	end
	return true
end

-- The last lines that the guest wrote, as a guest's terminal would show them, without control sequences.
local function last_lines(state)
	local text = state.seen:gsub("\27%[[%d;?]*%a", ""):gsub("\27.", ""):gsub("\r+\n", "\n")
	local lines = {}
	for line in text:gmatch "[^\n]+" do
		line = line:match("[^\r]*$"):gsub("[^\t\32-\126\128-\255]", "")
		if line:find "%S" then
			line = line:match "^.*%S"
			lines[#lines + 1] = "  | " .. (#line > LINE_WIDTH and "..." .. line:sub(3 - LINE_WIDTH) or line)
		end
	end
	if #lines == 0 then
		return "nothing was seen"
	end
	return "the last that was seen:\n" .. table.concat(lines, "\n", math.max(1, #lines - LINES + 1))
end

local function timed_out(stream, state, timeout, format, ...)
	local waited = ("%g s"):format(timeout)
	errors.raise("operation_timeout", "%s: %s within %s; %s", tostring(stream), format:format(...), waited,
		last_lines(state))
end

local function take(state, count)
	local text = state.buffer:sub(1, count)
	state.buffer = state.buffer:sub(count + 1)
	return text
end

local readers = {}

-- What is there.
function readers.some(stream, state, deadline)
	while #state.buffer == 0 do
		if not fill(stream, state, deadline) then
			return nil, not state.ended
		end
	end
	return take(state, #state.buffer)
end

function readers.count(stream, state, deadline, count)
	while #state.buffer < count and not state.ended do
		if not fill(stream, state, deadline) and not state.ended then
			return nil, true
		end
	end
	if #state.buffer == 0 and count > 0 then
		return nil
	end
	return take(state, count)
end

function readers.line(stream, state, deadline)
	local from = 1
	while true do
		local stop = state.buffer:find("\n", from, true)
		if stop then
			return (take(state, stop):gsub("\r*\n$", ""))
		end
		from = #state.buffer + 1
		if not fill(stream, state, deadline) then
			if not state.ended then
				return nil, true
			end
			return #state.buffer > 0 and take(state, #state.buffer) or nil
		end
	end
end

function readers.all(stream, state, deadline)
	while not state.ended do
		if not fill(stream, state, deadline) and not state.ended then
			return nil, true
		end
	end
	return take(state, #state.buffer)
end

local methods = { alive = Stream.check, get = {} }

function methods.read(stream, format, timeout)
	local reader, count
	if format == nil then
		reader = readers.some
	elseif format == "l" then
		reader = readers.line
	elseif format == "a" then
		reader = readers.all
	elseif math.type(format) == "integer" and format >= 0 then
		reader, count = readers.count, format
	else
		errors.raise("invalid_arg", 'Stream:read: the format must be a number of bytes, "l" or "a", not %s.',
			type(format) == "string" and ("%q"):format(format) or tostring(format))
	end
	local state = state_of(stream)
	wait.deliver_all()
	local text, late = reader(stream, state, wait.deadline(timeout), count)
	if late then
		timed_out(stream, state, timeout, "What was to be read did not come")
	end
	return text
end

function methods.write(stream, text, timeout)
	local state, deadline, from = state_of(stream), wait.deadline(timeout), 1
	while true do
		from = from + Stream.send(stream, text, from)
		if from > #text then
			return stream
		elseif wait.expired(deadline) then
			timed_out(stream, state, timeout, "The guest took only %d of %d bytes", from - 1, #text)
		end
		-- What the guest sends is taken meanwhile: a guest that waits for us to read reads nothing.
		wait.step(state.ended and {} or { stream }, deadline, stream)
		Stream.check(stream)
		pump(stream, state)
	end
end

local function after_set(pattern, i)
	i = pattern:sub(i, i) == "^" and i + 1 or i
	repeat -- the first character belongs to the set, even when it is a bracket
		i = i + (pattern:sub(i, i) == "%" and 2 or 1)
		if i > #pattern then
			return nil
		end
	until pattern:sub(i, i) == "]"
	return i + 1
end

-- What is wrong with a Lua pattern, or nil. string.find() says so only when a match gets as far as the mistake, which
-- may be never; that would be a wait in vain.
local function mistake(pattern)
	local i, open = 1, 0
	while i <= #pattern do
		local c = pattern:sub(i, i)
		if c == "%" then
			local letter = pattern:sub(i + 1, i + 1)
			local size = letter == "b" and 4 or 2
			if i + size - 1 > #pattern then
				return "it ends within an item that begins with '%'"
			elseif letter == "f" and pattern:sub(i + 2, i + 2) ~= "[" then
				return "'%f' must be followed by a set"
			end
			i = i + size
		elseif c == "[" then
			i = after_set(pattern, i + 1)
			if not i then
				return "a '[' has no ']'"
			end
		else
			open = open + (c == "(" and 1 or c == ")" and -1 or 0)
			if open < 0 then
				return "a ')' has no '('"
			end
			i = i + 1
		end
	end
	return open > 0 and "a '(' has no ')'" or nil
end

-- Looks for the pattern; on success takes everything up to the end of the match out of the buffer.
local function match(state, pattern, plain, from)
	local found = table.pack(state.buffer:find(pattern, from, plain))
	if not found[1] then
		return nil
	end
	local first, last = found[1], found[2]
	local results = table.pack(table.unpack(found, 3, found.n))
	if results.n == 0 then
		results = { state.buffer:sub(first, last), n = 1 }
	end
	results.n = results.n + 1
	results[results.n] = state.buffer:sub(1, first - 1)
	state.buffer = state.buffer:sub(last + 1)
	return results
end

function methods.expect(stream, pattern, timeout, options)
	local state, deadline = state_of(stream), wait.deadline(timeout)
	local wrong = not options.plain and mistake(pattern)
	if wrong then
		errors.raise("invalid_arg", "Stream:expect: the pattern %q is wrong: %s.", pattern, wrong)
	end
	wait.deliver_all()
	Stream.check(stream)
	local from = 1
	while true do
		local results = match(state, pattern, options.plain, from)
		if results then
			return table.unpack(results, 1, results.n)
		end
		if #state.buffer > 2 * KEEP then
			state.buffer = state.buffer:sub(-KEEP)
		end
		if options.plain then -- what was searched need not be searched again
			from = math.max(1, #state.buffer - #pattern + 2)
		end
		if not fill(stream, state, deadline) then
			if state.ended then
				errors.raise("operation_failed", "%s: It ended before %q was seen; %s", tostring(stream), pattern,
					last_lines(state))
			end
			timed_out(stream, state, timeout, "%q was not seen", pattern)
		end
	end
end

function methods.close(stream)
	Stream.close(stream)
	states[stream] = nil
end

class.install("Stream", Stream.metatable, methods)

return M
