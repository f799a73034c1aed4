package gormstore

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// slowStatement is what is logged as a warning.
const slowStatement = 2 * time.Second

// openGorm opens gorm on a pool that is there already. The drivers beneath keep
// prepared statements per connection, so gorm's own cache, which would hold a
// second one and prepare on the pool, stays off.
func openGorm(d gorm.Dialector, log *slog.Logger) (*gorm.DB, error) {
	db, err := gorm.Open(d, &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		DisableAutomaticPing:   true,
		Logger: slowOnly{logger.NewSlogLogger(log, logger.Config{
			SlowThreshold: slowStatement, LogLevel: logger.Warn, ParameterizedQueries: true,
		})},
	})
	if err != nil {
		return nil, fmt.Errorf("gormstore: open: %w", err)
	}
	return db, nil
}

// slowOnly logs no errors: they are returned, and logged where they end.
type slowOnly struct{ logger.Interface }

func (l slowOnly) LogMode(level logger.LogLevel) logger.Interface {
	return slowOnly{l.Interface.LogMode(level)}
}

func (l slowOnly) Trace(ctx context.Context, begin time.Time, statement func() (string, int64), _ error) {
	l.Interface.Trace(ctx, begin, statement, nil)
}
