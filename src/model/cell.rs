/// A text that no spreadsheet takes for a formula (OWASP, CSV injection): what a customer typed as its
/// name runs nowhere. The rest of CSV is the writer's.
pub fn harmless_cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_taken_as_text() {
        for formula in ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1"] {
            assert_eq!(harmless_cell(formula), format!("'{formula}"));
        }
        assert_eq!(harmless_cell("Northwind = fine"), "Northwind = fine");
    }
}
