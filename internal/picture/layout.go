package picture

import "fmt"

// The measures of the picture, in units of its view box.
const (
	boxWidth, boxHeight = 208, 62
	gapX, gapY          = 36, 16
	headHeight          = 26
	gutter              = 44
	phoneWidth          = 340
)

// Picture is a graph with coordinates. There are two of them: columns side by side, and for a phone one below the other.
type Picture struct {
	Name          string
	Width, Height int
	Heads         []Label
	Boxes         []Box
	Lines         []string
}

// Label is a word at a place.
type Label struct {
	X, Y int
	Text string
}

// Box is one asset as it is drawn.
type Box struct {
	Node
	X, Y, W, H int
	// Outline is the path of its shape; Extra is a further line that belongs to it.
	Outline, Extra string
}

// TextX is where its words begin; Top, Centre and Bottom are the base lines of the three of them.
func (b Box) TextX() int  { return b.X + 16 }
func (b Box) Top() int    { return b.Y + 21 }
func (b Box) Centre() int { return b.Y + 37 }
func (b Box) Bottom() int { return b.Y + 54 }

// Short is its id as far as it fits.
func (b Box) Short() string { return Middle((b.W-30)/7, b.ID) }

// About is the small line above the id.
func (b Box) About() string {
	text := b.Kind
	if b.Origin {
		text = "★ origin · " + text
	}
	if b.Unknown {
		text += " · lineage ?"
	}
	return text
}

// Wide puts the columns side by side.
func (g Graph) Wide() Picture {
	p := Picture{Name: "wide"}
	tallest := 0
	for _, l := range g.Lanes {
		tallest = max(tallest, l.rows())
	}
	p.Height = headHeight + tallest*(boxHeight+gapY)
	p.Width = len(g.Lanes)*(boxWidth+gapX) - gapX + 20
	at := map[[2]int]Box{}
	for i, l := range g.Lanes {
		x := 4 + i*(boxWidth+gapX)
		y := headHeight + (tallest-l.rows())*(boxHeight+gapY)/2
		p.Heads = append(p.Heads, Label{x, 16, l.Title})
		y = p.column(l, i, x, y, boxWidth, at)
		if l.More > 0 {
			p.Heads = append(p.Heads, Label{x, y + 20, g.more(l)})
		}
	}
	for _, e := range g.Edges {
		p.Lines = append(p.Lines, across(at[e.From], at[e.To], e.From[0], e.To[0]))
	}
	return p
}

// Tall puts the columns one below the other, with the lines in the margin.
func (g Graph) Tall() Picture {
	p := Picture{Name: "tall", Width: phoneWidth}
	at := map[[2]int]Box{}
	y := 0
	for i, l := range g.Lanes {
		p.Heads = append(p.Heads, Label{gutter, y + 18, l.Title})
		y = p.column(l, i, gutter, y+headHeight, phoneWidth-gutter-4, at)
		if l.More > 0 {
			p.Heads = append(p.Heads, Label{gutter, y + 14, g.more(l)})
			y += headHeight
		}
		y += 6
	}
	p.Height = y
	for i, e := range g.Edges {
		p.Lines = append(p.Lines, around(at[e.From], at[e.To], i))
	}
	return p
}

// column stacks the boxes of a lane and returns where the next thing goes.
func (p *Picture) column(l Lane, i, x, y, width int, at map[[2]int]Box) int {
	for j, n := range l.Nodes {
		b := Box{Node: n, X: x, Y: y, W: width, H: boxHeight}
		b.Outline, b.Extra = outline(b)
		at[[2]int{i, j}] = b
		p.Boxes = append(p.Boxes, b)
		y += boxHeight + gapY
	}
	return y
}

func (l Lane) rows() int {
	if l.More > 0 {
		return len(l.Nodes) + 1
	}
	return len(l.Nodes)
}

func (g Graph) more(l Lane) string { return fmt.Sprintf("and %d more, in the %s", l.More, g.Whole) }

// across is a line between columns: out on the right, in on the left. What leads back, or stays in its column, goes round.
func across(a, b Box, from, to int) string {
	ay, by := a.Y+a.H/2, b.Y+b.H/2
	switch {
	case from == to:
		x := a.X + a.W
		return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x, ay, x+26, ay, x+26, by, x+2, by)
	case from > to:
		a, b = b, a
		ay, by = by, ay
		// The arrow still points at what the line leads to.
		return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", b.X, by, b.X-20, by, a.X+a.W+20, ay, a.X+a.W+2, ay)
	}
	return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", a.X+a.W, ay, a.X+a.W+20, ay, b.X-20, by, b.X-2, by)
}

// around is a line in the margin. Neighbours keep apart so that each can be followed.
func around(a, b Box, i int) string {
	x := gutter - 12 - 6*(i%5)
	ay, by := a.Y+a.H/2+6, b.Y+b.H/2-6
	return fmt.Sprintf("M%d %dH%dV%dH%d", a.X, ay, x, by, b.X-2)
}

// outline draws the shape of a kind: data is a drum, a checkpoint a block with cut corners, an endpoint a pill, a credential a
// tag.
func outline(b Box) (path, extra string) {
	x, y, w, h := b.X, b.Y, b.W, b.H
	switch b.Shape {
	case "drum":
		return fmt.Sprintf("M%d %dv%da%d 4 0 0 0 %d 0v-%da%d 4 0 0 0 -%d 0z", x, y+4, h-8, w/2, w/2*2, h-8, w/2, w/2*2),
			fmt.Sprintf("M%d %da%d 4 0 0 0 %d 0", x, y+4, w/2, w/2*2)
	case "block":
		return fmt.Sprintf("M%d %dh%dl10 10v%dl-10 10h-%dl-10 -10v-%dz", x+10, y, w-20, h-20, w-20, h-20), ""
	case "pill":
		r := 22
		return fmt.Sprintf("M%d %dh%da%d %d 0 0 1 %d %dv%da%d %d 0 0 1 -%d %dh-%da%d %d 0 0 1 -%d -%dv-%da%d %d 0 0 1 %d -%dz",
			x+r, y, w-2*r, r, r, r, r, h-2*r, r, r, r, r, w-2*r, r, r, r, r, h-2*r, r, r, r, r), ""
	}
	return fmt.Sprintf("M%d %dh%dv%dh-%dl-8 -%dz", x+8, y, w-8, h, w-8, h/2), ""
}

// Middle keeps both ends of an id, which is where ids differ.
func Middle(n int, s string) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n/2]) + "…" + string(r[len(r)-(n-n/2-1):])
}
