package evidence

// Banner is what asked for consent on a page, as far as it was recognised, measured as a visitor sees it.
type Banner struct {
	Seen     bool
	Own      bool   // this product's
	Tool     string // "samtykke", the name of a known tool's rule, or "" where only its words were recognised
	Accept   string // label of the button; "" where there was none
	Reject   string
	Settings string // label of what opens the choices
	Save     string // label of what stores the choices
	Other    string // label of a further button that nobody knows; "" where there was none

	Text     string    // of the first layer, at most 5,000 characters
	Lang     string    // the language of the text, as far as its words tell; "" where they don't
	Buttons  []Button  // of the first layer, in reading order
	Links    []Link    // of the first layer
	Boxes    []Box     // check boxes and switches of all layers that could be opened
	Opened   bool      // the choices behind Settings were opened and looked at
	Purposes []string  // of consent.Category: which the first layer names
	Partners bool      // the first layer says that others get data, or who
	Clicks   int       // to refuse everything: 1 in the first layer, 2 in the second, 0 where no way was found
	Wall     bool      // the page is hidden or can't be scrolled until there is an answer
	Problems []Problem // with keyboard, screen reader and small screens
}

// Button is one thing to press in a banner, by its computed style.
type Button struct {
	Role       string // accept, reject, settings, save or other
	Label      string
	Tag        string  // button, a, input, or another element
	Width      float64 // CSS pixels
	Height     float64
	FontSize   float64
	Bold       bool
	Colour     string  // of the text, as #rrggbb
	Background string  // what the text stands on, as #rrggbb
	Around     string  // what the button stands on, as #rrggbb
	Contrast   float64 // of text and background, 1 to 21 (WCAG 2.2)
	Stands     float64 // contrast of the button with what it stands on, or of its border where that is stronger; 1 to 21
	Visible    bool    // on the screen without scrolling
}

// Link is one link in a banner.
type Link struct {
	Label, URL string
}

// Box is one choice in a banner.
type Box struct {
	Label    string
	Category string // consent.Category that the label names; "" where it names none
	Checked  bool
	Disabled bool
}

// Problem is what keeps somebody from using the banner.
type Problem struct {
	Rule    string // name, keyboard, focus, target, contrast, covered, cut (off on the smallest screen), role
	Element string // label or tag
	Detail  string // measured, such as "18 × 18 px"
}
