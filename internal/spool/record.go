package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

const (
	// headerBytes is a record's length and checksum.
	headerBytes = 8
	// MaxEntryBytes bounds what one entry can hold, its key included.
	MaxEntryBytes = 4 << 20
	// entryBytes is what an entry's body has before its key: type, sequence number, time and length of the key.
	entryBytes = 1 + 8 + 8 + 2
	maxKey     = 1<<16 - 1
	// maxDone bounds how many entries one record reports as done.
	maxDone = 1 << 12
)

const (
	typeEntry = 'e'
	typeDone  = 'd'
)

var (
	errTorn     = errors.New("record is not whole")
	errChecksum = errors.New("checksum is wrong")
	errRecord   = errors.New("no such record")
)

// record is an entry, or a report that entries are done.
type record struct {
	seq     uint64
	at      time.Time
	key     string
	payload []byte
	done    []uint64
}

func (r *record) isEntry() bool { return r.done == nil }

// appendEntry adds an entry's record to b.
func appendEntry(b []byte, r *record) []byte {
	return appendRecord(b, func(b []byte) []byte {
		b = append(b, typeEntry)
		b = binary.BigEndian.AppendUint64(b, r.seq)
		b = binary.BigEndian.AppendUint64(b, uint64(r.at.UnixNano()))
		b = binary.BigEndian.AppendUint16(b, uint16(len(r.key)))
		b = append(b, r.key...)
		return append(b, r.payload...)
	})
}

// appendDone adds the record that says which entries are done.
func appendDone(b []byte, seqs []uint64) []byte {
	return appendRecord(b, func(b []byte) []byte {
		b = append(b, typeDone)
		for _, seq := range seqs {
			b = binary.BigEndian.AppendUint64(b, seq)
		}
		return b
	})
}

func appendRecord(b []byte, body func([]byte) []byte) []byte {
	start := len(b)
	b = body(append(b, make([]byte, headerBytes)...))
	content := b[start+headerBytes:]
	binary.BigEndian.PutUint32(b[start:], uint32(len(content)))
	binary.BigEndian.PutUint32(b[start+4:], checksum(content))
	return b
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// readRecord reads the record that b begins with and returns its size. The payload is a part of b. A size of 0 says that
// nobody can tell where the next record begins.
func readRecord(b []byte) (r record, size int, err error) {
	if len(b) < headerBytes {
		return r, 0, errTorn
	}
	length := binary.BigEndian.Uint32(b)
	if length == 0 || length > MaxEntryBytes+entryBytes {
		return r, 0, fmt.Errorf("%w: length %d", errRecord, length)
	}
	size = headerBytes + int(length)
	if size > len(b) {
		return r, 0, errTorn
	}
	body := b[headerBytes:size]
	if checksum(body) != binary.BigEndian.Uint32(b[4:]) {
		return r, size, errChecksum
	}
	r, err = readBody(body)
	return r, size, err
}

func readBody(body []byte) (r record, err error) {
	switch body[0] {
	case typeEntry:
		if len(body) < entryBytes {
			return r, fmt.Errorf("%w: entry of %d bytes", errRecord, len(body))
		}
		r.seq = binary.BigEndian.Uint64(body[1:])
		r.at = time.Unix(0, int64(binary.BigEndian.Uint64(body[9:]))).UTC()
		key := int(binary.BigEndian.Uint16(body[17:]))
		if key > len(body)-entryBytes {
			return r, fmt.Errorf("%w: key of %d bytes", errRecord, key)
		}
		r.key, r.payload = string(body[entryBytes:entryBytes+key]), body[entryBytes+key:]
		return r, nil
	case typeDone:
		if len(body)%8 != 1 || len(body) == 1 {
			return r, fmt.Errorf("%w: done of %d bytes", errRecord, len(body))
		}
		for b := body[1:]; len(b) > 0; b = b[8:] {
			r.done = append(r.done, binary.BigEndian.Uint64(b))
		}
		return r, nil
	}
	return r, fmt.Errorf("%w: type %q", errRecord, body[0])
}
