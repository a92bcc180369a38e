"""One page of HTML that tells all figures of a judgement or a backtest: self-contained, light and dark, printable."""
