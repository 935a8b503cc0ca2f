// Collects the field mask of an update: the names of the settings that it has.

package hushpost

// A fieldMask has the paths of the fields that an update sets (AIP-161).
type fieldMask []string

// pointed returns the value of a setting, and adds its path, unless the pointer is nil.
func pointed[Value any](mask *fieldMask, path string, value *Value) Value {
	if value == nil {
		var none Value
		return none
	}
	*mask = append(*mask, path)
	return *value
}

// optional is like pointed, and returns the pointer, for fields that have presence on the wire.
func optional[Value any](mask *fieldMask, path string, value *Value) *Value {
	pointed(mask, path, value)
	return value
}

// nonzero returns the value of an enum, and adds its path, unless it is zero.
func nonzero[Enum ~int32](mask *fieldMask, path string, value Enum) Enum {
	if value != 0 {
		*mask = append(*mask, path)
	}
	return value
}

// listed returns a list, and adds its path, unless the list is nil. An empty list is an update, too.
func listed[Item any](mask *fieldMask, path string, items []Item) []Item {
	if items != nil {
		*mask = append(*mask, path)
	}
	return items
}
