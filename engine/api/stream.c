#define MV_ERROR_DOMAIN MV_FROM_STREAMS
#include "engine/api/stream.h"

static int check(const struct mv_stream *stream, bool able, const char *act, struct mv_error **err)
{
	if (!able)
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "This stream cannot %s: data goes the other way",
				    act);
	switch (stream->state) {
	case MV_STREAM_OPEN: return 0;
	case MV_STREAM_BROKEN:
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "This stream is broken and cannot %s any more", act);
	case MV_STREAM_FINISHED:
		return mv_error_set(err, MV_ERR_OPERATION_INVALID, "This stream is finished and cannot %s any more",
				    act);
	case MV_STREAM_ABORTED: break;
	}
	return mv_error_set(err, MV_ERR_OPERATION_INVALID, "This stream was aborted and cannot %s any more", act);
}

ssize_t mv_stream_send(struct mv_stream *stream, const void *data, size_t size, struct mv_error **err)
{
	ssize_t done;

	if (check(stream, stream->ops->send, "send", err) < 0)
		return -1;
	if (!size)
		return 0;
	done = stream->ops->send(stream, data, size, err);
	if (done < 0)
		stream->state = MV_STREAM_BROKEN;
	return done;
}

ssize_t mv_stream_recv(struct mv_stream *stream, void *data, size_t size, struct mv_error **err)
{
	ssize_t done;

	if (check(stream, stream->ops->recv, "receive", err) < 0)
		return -1;
	done = stream->ops->recv(stream, data, size, err);
	if (done < 0)
		stream->state = MV_STREAM_BROKEN;
	return done;
}

int mv_stream_finish(struct mv_stream *stream, struct mv_error **err)
{
	if (check(stream, true, "finish", err) < 0)
		return -1;
	if (stream->ops->finish(stream, err) < 0) {
		stream->state = MV_STREAM_BROKEN;
		return -1;
	}
	stream->state = MV_STREAM_FINISHED;
	return 0;
}

void mv_stream_abort(struct mv_stream *stream)
{
	if (stream->state != MV_STREAM_OPEN && stream->state != MV_STREAM_BROKEN)
		return;
	stream->ops->abort(stream);
	stream->state = MV_STREAM_ABORTED;
}

int mv_stream_fd(const struct mv_stream *stream)
{
	return stream->ops->fd && stream->state == MV_STREAM_OPEN ? stream->ops->fd(stream) : -1;
}

void mv_stream_free(struct mv_stream *stream)
{
	if (!stream)
		return;
	mv_stream_abort(stream);
	stream->ops->free(stream);
}
