//! The columns of a list: which are shown, where they stand at a width, by which one it is sorted.

use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Cells between two columns.
const GAP: u16 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) struct Column {
    /// In the kept view.
    pub(in crate::console) name: &'static str,
    /// The message that names it.
    pub(in crate::console) title: &'static str,
    /// The fewest cells in which it can be read.
    min: u16,
    /// The cells that it takes where there is room.
    want: u16,
    need: Need,
    way: Way,
    room: Room,
}

/// What a column does with more room than all of them want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Enough,
    TakesRest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// It tells what the line is about, and so cannot be hidden.
    Identifies,
    Usual,
    /// Only where the others have all the room that they want.
    Extra,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Way {
    Up,
    Down,
}

pub(in crate::console) const fn column(
    name: &'static str,
    title: &'static str,
    min: u16,
    want: u16,
) -> Column {
    Column {
        name,
        title,
        min,
        want,
        need: Need::Usual,
        way: Way::Up,
        room: Room::Enough,
    }
}

impl Column {
    pub(in crate::console) const fn identifies(mut self) -> Self {
        self.need = Need::Identifies;
        self
    }

    pub(in crate::console) const fn extra(mut self) -> Self {
        self.need = Need::Extra;
        self
    }

    /// The largest, or the latest, comes first.
    pub(in crate::console) const fn downwards(mut self) -> Self {
        self.way = Way::Down;
        self
    }

    /// Whatever room is left is its own.
    pub(in crate::console) const fn takes_rest(mut self) -> Self {
        self.room = Room::TakesRest;
        self
    }

    pub(in crate::console) fn is_fixed(self) -> bool {
        self.need == Need::Identifies
    }
}

/// The columns that a list has.
#[derive(Debug, Clone, Copy)]
pub(in crate::console) struct Table {
    pub(in crate::console) columns: &'static [Column],
    /// The column by which it is sorted at first; as it comes, if by none.
    pub(in crate::console) sorted_by: Option<usize>,
    /// Cells before the first column: for a mark or a sign.
    pub(in crate::console) left: u16,
}

/// Where a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) struct Place {
    /// Its number in the table.
    pub(in crate::console) column: usize,
    pub(in crate::console) x: u16,
    pub(in crate::console) width: u16,
}

/// By what a line is sorted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::console) enum Rank {
    Number(i64),
    Text(String),
}

/// How the operator wants the list: its order, and the columns they do not want to see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::console) struct Shape {
    /// The name of a column; empty for what the list begins with.
    pub(in crate::console) by: String,
    pub(in crate::console) is_inverted: bool,
    pub(in crate::console) hidden: BTreeSet<String>,
}

impl Way {
    const fn other(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }

    pub(in crate::console) const fn sign(self) -> &'static str {
        match self {
            Self::Up => "↑",
            Self::Down => "↓",
        }
    }
}

impl Shape {
    /// The column that sorts the list. A name that the table does not have is passed over.
    fn column(&self, table: &Table) -> Option<usize> {
        let mut columns = table.columns.iter();
        let named = columns.position(|column| column.name == self.by);
        named.or(table.sorted_by)
    }

    /// The column that sorts the list, if one does, and which way.
    pub(in crate::console) fn order(&self, table: &Table) -> (Option<usize>, Way) {
        let column = self.column(table);
        let way = column.map_or(Way::Up, |index| table.columns[index].way);
        (column, if self.is_inverted { way.other() } else { way })
    }

    /// Sorted by the next column, its own way round; after the last as the list comes, if it has an
    /// order of its own.
    pub(in crate::console) fn next(&mut self, table: &Table) {
        let next = self.column(table).map_or(0, |index| index + 1);
        let next = match table.columns.get(next) {
            None if table.sorted_by.is_some() => table.columns.first(),
            next => next,
        };
        self.by = next.map_or_else(String::new, |column| column.name.to_owned());
        self.is_inverted = false;
    }

    pub(in crate::console) fn invert(&mut self) {
        self.is_inverted = !self.is_inverted;
    }

    /// What ranks alike stays as it came, whichever way.
    pub(in crate::console) fn sort<T>(
        &self,
        table: &Table,
        rows: &mut [T],
        rank: impl Fn(&T, usize) -> Rank,
    ) {
        match self.order(table) {
            (Some(column), Way::Up) => rows.sort_by_cached_key(|row| rank(row, column)),
            (Some(column), Way::Down) => rows.sort_by_cached_key(|row| Reverse(rank(row, column))),
            (None, Way::Up) => {}
            (None, Way::Down) => rows.reverse(),
        }
    }

    pub(in crate::console) fn is_hidden(&self, column: Column) -> bool {
        !column.is_fixed() && self.hidden.contains(column.name)
    }

    /// Hides a column or shows it again; `false` for the one that tells what the line is about.
    pub(in crate::console) fn toggle(&mut self, column: Column) -> bool {
        if column.is_fixed() {
            return false;
        }
        if !self.hidden.remove(column.name) {
            self.hidden.insert(column.name.to_owned());
        }
        true
    }

    /// Where the columns stand that are wanted and have room.
    pub(in crate::console) fn places(&self, table: &Table, width: u16) -> Vec<Place> {
        let room = width.saturating_sub(table.left);
        let taken = self.taken(table, room);
        let columns = || taken.iter().map(|index| table.columns[*index]);
        let gaps = GAP * (taken.len() as u16).saturating_sub(1);
        let least: u16 = columns().map(|column| column.min).sum();
        let growth: u16 = columns().map(|column| column.want - column.min).sum();
        let spare = room.saturating_sub(least + gaps);
        let shared = spare.min(growth);
        let mut widths: Vec<u16> = columns()
            .map(|column| {
                let part = u32::from(column.want - column.min) * u32::from(shared);
                let part = part.checked_div(u32::from(growth)).unwrap_or(0);
                column.min + part as u16
            })
            .collect();
        // Whatever is left is for the one that asks for it, else the last one that can use it.
        let left = room.saturating_sub(gaps + widths.iter().sum::<u16>());
        let grows = |column: Column| column.want > column.min;
        let asks = |index: &usize| table.columns[*index].room == Room::TakesRest;
        let asking = taken.iter().position(asks);
        let last = || taken.iter().rposition(|index| grows(table.columns[*index]));
        if let Some(wide) = asking.or_else(last) {
            widths[wide] += left;
        }
        let mut x = table.left;
        let places = taken.into_iter().zip(widths).map(|(column, width)| {
            let place = Place { column, x, width };
            x += width + GAP;
            place
        });
        places.collect()
    }

    /// The columns that have room: the usual ones as narrow as they can be, from the left; the extra
    /// ones if they take nothing from the others.
    fn taken(&self, table: &Table, room: u16) -> Vec<usize> {
        let shown = |need: Need| {
            let columns = table.columns.iter().enumerate();
            columns.filter(move |(_, column)| column.need == need && !self.is_hidden(**column))
        };
        let mut taken = Vec::new();
        let (mut least, mut wanted) = (0, 0);
        for (index, column) in shown(Need::Identifies).chain(shown(Need::Usual)) {
            if taken.is_empty() || least + column.min <= room {
                taken.push(index);
                least += column.min + GAP;
                wanted += column.want + GAP;
            }
        }
        for (index, column) in shown(Need::Extra) {
            if wanted + column.min <= room {
                taken.push(index);
                wanted += column.want + GAP;
            }
        }
        taken.sort_unstable();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        column("when", "when", 10, 10).downwards(),
        column("whom", "whom", 10, 30).identifies(),
        column("why", "why", 10, 20),
        column("more", "more", 8, 8).extra(),
    ];
    const TABLE: Table = Table {
        columns: COLUMNS,
        sorted_by: Some(0),
        left: 1,
    };

    fn names(shape: &Shape, width: u16) -> Vec<&'static str> {
        let places = shape.places(&TABLE, width);
        let mut end = 0;
        for place in &places {
            assert!(place.x >= end && place.width > 0, "{places:?}");
            end = place.x + place.width;
        }
        assert!(end <= width.max(11), "{places:?} at {width}");
        places.iter().map(|p| COLUMNS[p.column].name).collect()
    }

    #[test]
    fn what_has_no_room_is_left_out_and_never_what_the_line_is_about() {
        let mut shape = Shape::default();
        assert_eq!(names(&shape, 80), ["when", "whom", "why", "more"]);
        assert_eq!(names(&shape, 71), ["when", "whom", "why"]);
        assert_eq!(names(&shape, 33), ["when", "whom", "why"]);
        assert_eq!(names(&shape, 32), ["when", "whom"]);
        assert_eq!(names(&shape, 12), ["whom"]);
        assert_eq!(names(&shape, 3), ["whom"]);
        assert!(!shape.toggle(COLUMNS[1]));
        shape.hidden.insert("whom".to_owned());
        assert!(shape.toggle(COLUMNS[2]));
        assert_eq!(
            names(&shape, 60),
            ["when", "whom", "more"],
            "one hidden makes room"
        );
        assert!(shape.toggle(COLUMNS[2]));
        assert_eq!(names(&shape, 60), ["when", "whom", "why"]);
    }

    #[test]
    fn a_list_is_sorted_by_each_column_in_turn_its_own_way_round_or_the_other() {
        let rank = |row: &(i64, &'static str), column| match column {
            0 => Rank::Number(row.0),
            _ => Rank::Text(row.1.to_owned()),
        };
        let mut shape = Shape::default();
        let mut rows = vec![(1, "b"), (2, "a"), (2, "c")];
        shape.sort(&TABLE, &mut rows, rank);
        assert_eq!(rows, [(2, "a"), (2, "c"), (1, "b")], "the latest first");
        shape.invert();
        shape.sort(&TABLE, &mut rows, rank);
        assert_eq!(rows, [(1, "b"), (2, "a"), (2, "c")]);
        shape.next(&TABLE);
        shape.sort(&TABLE, &mut rows, rank);
        assert_eq!(rows, [(2, "a"), (1, "b"), (2, "c")]);
        assert_eq!(shape.order(&TABLE), (Some(1), Way::Up));
        for _ in 0..3 {
            shape.next(&TABLE);
        }
        assert_eq!(shape.order(&TABLE), (Some(0), Way::Down), "and round again");
    }

    #[test]
    fn a_list_with_an_order_of_its_own_comes_back_to_it() {
        let table = Table {
            sorted_by: None,
            ..TABLE
        };
        let mut shape = Shape::default();
        let mut rows = vec![(1, "b"), (2, "a")];
        let rank = |row: &(i64, &'static str), _| Rank::Number(row.0);
        shape.invert();
        shape.sort(&table, &mut rows, rank);
        assert_eq!(rows, [(2, "a"), (1, "b")]);
        for _ in COLUMNS {
            shape.next(&table);
            assert!(shape.order(&table).0.is_some());
        }
        shape.next(&table);
        assert_eq!(shape.order(&table), (None, Way::Up));
    }
}
