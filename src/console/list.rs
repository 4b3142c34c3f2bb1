//! What lists are made of: a choice by identity, an order, columns.

mod columns;
mod selection;

pub(super) use columns::{Column, Place, Rank, Shape, Table, column};
pub(super) use selection::{Selection, Step, page_top};
