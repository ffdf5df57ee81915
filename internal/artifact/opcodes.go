package artifact

import (
	"strconv"
	"strings"
)

// The opcodes that matter here, of protocols 0 to 5. What is in no table is no opcode.
const (
	opProto       = 0x80
	opStop        = '.'
	opGlobal      = 'c'
	opInst        = 'i'
	opStackGlobal = 0x93
	opMemoize     = 0x94
	opFrame       = 0x95
)

// fixed maps opcodes to the number of bytes of their argument.
func fixed(op byte) (int, bool) {
	switch op {
	case '(', ')', '0', '1', '2', 'N', 'Q', 'R', '\x81', '\x85', '\x86', '\x87', '\x88', '\x89', '\x8f', '\x90', '\x91', '\x92', '\x97', '\x98',
		']', '}', 'a', 'b', 'd', 'e', 'l', 'o', 's', 't', 'u':
		return 0, true
	case 'K', opProto:
		return 1, true
	case 'M':
		return 2, true
	case 'J':
		return 4, true
	case 'G', opFrame:
		return 8, true
	}
	return 0, false
}

// counted maps opcodes to the size of the length before their argument, and says whether the argument is text.
func counted(op byte) (size int, text, ok bool) {
	switch op {
	case 'U', 0x8c:
		return 1, true, true
	case 'T', 'X':
		return 4, true, true
	case 0x8d:
		return 8, true, true
	case 'C', 0x8a:
		return 1, false, true
	case 'B', 0x8b:
		return 4, false, true
	case 0x8e, 0x96:
		return 8, false, true
	}
	return 0, false, false
}

// opcode reads the argument of one opcode and notes what it imports.
func (p *pickle) opcode(op byte) error {
	if n, ok := fixed(op); ok {
		if op != opFrame && op != opProto {
			p.strings = nil
		}
		_, err := p.take(uint64(n))
		return err
	}
	if size, text, ok := counted(op); ok {
		if !text {
			p.strings = nil
		}
		return p.counted(size, text)
	}
	switch op {
	case 'F', 'I', 'L', 'P':
		p.strings = nil
		_, err := p.line()
		return err
	case 'S', 'V':
		s, err := p.line()
		p.push(strings.Trim(s, `'"`))
		return err
	case opGlobal, opInst:
		p.strings = nil
		return p.global()
	case opStackGlobal:
		return p.stackGlobal()
	case 0x82, 0x83, 0x84: // EXT1, EXT2, EXT4: an import that is registered under a number
		p.note("imports something by a number")
		p.strings = nil
		_, err := p.number(1 << (op - 0x82))
		return err
	}
	return p.remember(op)
}

func (p *pickle) counted(size int, text bool) error {
	n, err := p.number(size)
	if err != nil {
		return err
	}
	s, err := p.take(n)
	if err == nil && text {
		p.push(s)
	}
	return err
}

func (p *pickle) global() error {
	module, err := p.line()
	if err != nil {
		return err
	}
	object, err := p.line()
	if err != nil {
		return err
	}
	p.imported(module, object)
	return nil
}

// stackGlobal takes the two strings on top of the stack.
func (p *pickle) stackGlobal() error {
	defer func() { p.strings = nil }()
	if len(p.strings) < 2 {
		p.note("imports something whose name is hidden")
		return nil
	}
	p.imported(p.strings[len(p.strings)-2], p.strings[len(p.strings)-1])
	return nil
}

// remember follows the memo, from which strings come back.
func (p *pickle) remember(op byte) error {
	top := ""
	if len(p.strings) > 0 {
		top = p.strings[len(p.strings)-1]
	}
	switch op {
	case opMemoize:
		p.memo[p.next] = top
		p.next++
		return p.bounded()
	case 'p', 'g':
		s, err := p.line()
		if err != nil {
			return err
		}
		i, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return &malformed{"a place of its memo is no number"}
		}
		return p.place(i, op == 'p', top)
	case 'q', 'h':
		i, err := p.number(1)
		if err != nil {
			return err
		}
		return p.place(i, op == 'q', top)
	case 'r', 'j':
		i, err := p.number(4)
		if err != nil {
			return err
		}
		return p.place(i, op == 'r', top)
	}
	return &malformed{"0x" + strconv.FormatUint(uint64(op), 16) + " is no opcode"}
}

func (p *pickle) place(i uint64, put bool, top string) error {
	if put {
		p.memo[i] = top
		p.next++
		return p.bounded()
	}
	if s := p.memo[i]; s != "" {
		p.push(s)
	} else {
		p.strings = nil
	}
	return nil
}

// bounded keeps a hostile pickle from filling the memory.
func (p *pickle) bounded() error {
	if len(p.memo) > 1<<22 {
		return &malformed{"its memo is larger than any model's"}
	}
	return nil
}
