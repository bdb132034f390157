-- A token is taken back without being forgotten: who could come in, and until when, stays to be seen.

ALTER TABLE tokens ADD COLUMN revoked_at timestamptz;
GRANT UPDATE (revoked_at) ON tokens TO taizhang_writer;
