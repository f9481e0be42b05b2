package publicid

// CheckCharacter lets the tests compare the check character with published examples.
var CheckCharacter = checkCharacter
